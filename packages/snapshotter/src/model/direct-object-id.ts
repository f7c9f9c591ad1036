/** IDs of objects that are one content: the content's own (spec 2 §2). */
export const DIRECT_OBJECT_ID = /^[g-z]?[0-9a-f]+$/;
