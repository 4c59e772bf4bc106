declare module 'fxa-common-password-list' {
  /** Mozilla's list of the 50,000 most common passwords of 8 characters and more. */
  const list: { test(password: string): boolean }
  export = list
}
