export { PASSWORD, TEST_SECRET } from './given.ts'
export { SecretBook } from './secret-book.ts'
export { checkStored } from './stored.ts'
