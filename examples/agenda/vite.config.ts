import { defineConfig } from "vite";

export default defineConfig({
  base: "./", // the built page works under any path
  build: { outDir: "../../gateway/web/static/agenda", emptyOutDir: true, assetsInlineLimit: 0 },
  server: { host: "127.0.0.1", port: 5173 },
});
