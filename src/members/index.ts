export { invitations } from './invitations/tables.ts'
