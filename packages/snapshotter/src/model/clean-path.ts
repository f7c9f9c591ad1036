/**
 * Lexical cleaning of an absolute slash path as source paths need it (spec 2 §7.1): repeated slashes and
 * `.` vanish, `..` removes the component before it and stays at the root, no trailing slash.
 */
export function cleanPath(absolutePath: string): string {
  const kept: string[] = [];
  for (const part of absolutePath.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") kept.pop();
    else kept.push(part);
  }
  return `/${kept.join("/")}`;
}
