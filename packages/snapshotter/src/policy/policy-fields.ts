/** Path of a policy field in the JSON document. */
export type PolicyField = string;
