"""Salesloft's own fields, under the vendor's names in camelCase; `_href` links are left out."""
