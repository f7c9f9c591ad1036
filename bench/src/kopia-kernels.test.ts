import { expect, test } from "vitest";
import { parseEccFigures, parseFigures } from "./kopia-kernels.ts";

test("figures of the real program's tables are found by name", () => {
  const crypto = " 10. BLAKE2B-256-128      AES256-GCM-HMAC-SHA256         753.7 MB / second";
  expect([...parseFigures("crypto", `-----\n${crypto}`)]).toEqual([
    ["crypto BLAKE2B-256-128 AES256-GCM-HMAC-SHA256", 753_700_000],
  ]);
  const splitter = "DYNAMIC-1M-BUZHASH            638.1 MB/s count:104 min:215708 10th:654717";
  expect([...parseFigures("splitter", splitter)]).toEqual([
    ["splitter DYNAMIC-1M-BUZHASH", 638_100_000],
  ]);
  const compression =
    "  1. s2-default                 2.6 MB         1.2 GB/s     1037     11.8 MB";
  expect([...parseFigures("compress", compression)]).toEqual([
    ["compress s2-default", 1_200_000_000],
  ]);
  expect(parseFigures("crypto", "     Hash      Encryption      Throughput").size).toBe(0);
});

test("both figures of error correction are found", () => {
  const row = "  4. REED-SOLOMON-CRC32 - 1%            168.3 MB/s     0.8 GB/s        1% [1.1 MB]";
  expect([...parseEccFigures(`header\n${row}`)]).toEqual([
    ["ecc encode REED-SOLOMON-CRC32 - 1%", 168_300_000],
    ["ecc decode REED-SOLOMON-CRC32 - 1%", 800_000_000],
  ]);
});
