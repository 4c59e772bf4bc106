/** What the tests' people sign in with. */
export const PASSWORD = 'correct horse battery staple'

/** What the tests' platforms encrypt with. */
export const TEST_SECRET = 'test-secret-with-enough-different-characters-42'
