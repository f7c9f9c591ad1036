export {
  defaultFormatFixtureNames,
  fixtureDirectory,
  fixtureNames,
  loadFixture,
  readByLatest,
  treeRows,
  type Fixture,
  type FixtureRecord,
  type FixtureTree,
  type TreeRow,
  type UnpackedFixture,
} from "./fixture.ts";
export { parseExactJson } from "./json.ts";
export { readTree } from "./read-tree.ts";
