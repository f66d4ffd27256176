// Prints the digest of each tensor of a .mlpk file, read with nothing but msgpack and SHA-256:
//
//     NODE_PATH=.../node_modules node digests.mjs FILE.mlpk
//
// One line a tensor: SHA-256 of its bytes, dtype, shape, name. It reads as a stranger would, who
// knows that the file is a msgpack array of six; the checks that a reader owes are in
// docs/file-format.md.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { decode } = createRequire(import.meta.url)("@msgpack/msgpack");

const BLOCK = 16 * 2 ** 20;

const sha256 = (...parts) =>
  parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();

const file = readFileSync(process.argv[2]);
const [magic, version, size, digest, header, chunks] = decode(file, { useBigInt64: true });
if (!Buffer.from("MLPK\r\n\x1a\n").equals(magic) || version >> 8 !== 1) {
  throw new Error("not a .mlpk file of version 1");
}
const end = 64 + header.length;
if (size !== BigInt(file.length)) {
  throw new Error("the size is not that of the file");
}
if (!sha256(file.subarray(0, 25), file.subarray(59, end)).equals(digest)) {
  throw new Error("the header does not match the digest");
}

const { tensors } = decode(header);
let next = 0;
for (const [name, { at, dtype, nbytes, sha256: blocks, shape }] of Object.entries(tensors)) {
  const pieces = [];
  for (let left = nbytes; left > 0; left -= pieces.at(-1).length) {
    const chunk = chunks[next++];
    pieces.push(chunk.subarray(0, Math.min(left, 2 ** 32 - 2 ** 12)));
    if (pieces.length === 1 && chunk.byteOffset - file.byteOffset !== end + at) {
      throw new Error(`${name} is not where the table says`);
    }
  }
  const bytes = Buffer.concat(pieces);
  const found = [];
  for (let start = 0; start < nbytes; start += BLOCK) {
    found.push(sha256(bytes.subarray(start, start + BLOCK)));
  }
  if (!Buffer.concat(found).equals(blocks)) {
    throw new Error(`${name} does not match its digest`);
  }
  console.log(`${sha256(bytes).toString("hex")} ${dtype} [${shape.join(", ")}] ${name}`);
}
if (next !== chunks.length) {
  throw new Error("chunks are left over");
}
