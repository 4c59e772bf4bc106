export type { MemberEvents } from './events.ts'
export { invitations } from './invitations/tables.ts'
export { createPeople, type People } from './people.ts'
export { peopleErrors, peopleRoutes } from './people-routes.ts'
