// What the scripts here say: a line for each thing that holds, and an end with 1 at the first that does not.
import assert from "node:assert/strict";

export function check(holds, what) {
  assert.ok(holds, what);
  console.log(`ok ${what}`);
}

export function equal(found, wanted, what) {
  assert.deepEqual(found, wanted, what);
  console.log(`ok ${what}`);
}

export const done = () => console.log("done");
