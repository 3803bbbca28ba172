// What `cargo xtask` hands to these programs.

/** The value of a variable; an error where it is not set. */
export function needed(name: string): string {
  const value = process.env[name];
  if (!value) {
    throw new Error(`the variable ${name} is not set; \`cargo xtask\` sets it`);
  }
  return value;
}
