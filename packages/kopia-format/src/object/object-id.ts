/** Text form of an object ID: `I`* `Z`? content ID (spec 2 §2.1). The empty string is "no object". */
export type ObjectId = string;
