export { userAudit } from './audit.ts'
export { canonicalDomain, canonicalEmail } from './email.ts'
export { userErrors } from './errors.ts'
export type { UserEvents } from './events.ts'
export {
  isGrantable,
  isPermitted,
  isPermittedUnderImpersonation,
  PERMISSIONS,
  type Permission,
  type TenantRole,
} from './permissions.ts'
export { type UserRoutesOptions, userRoutes } from './routes.ts'
export { FullName } from './schemas.ts'
export { addOwner, createUserService, type UserService } from './service.ts'
export {
  findCoreUser,
  findCoreUserByEmail,
  findTenantUserByEmail,
  insertCoreUser,
  insertTenantUser,
  listAdmins,
  lockActiveAdmins,
  makeAdmin,
  rehearseOwner,
  setStanding,
} from './store.ts'
export { coreUsers, TENANT_ROLES, tenantUsers } from './tables.ts'
export type { CoreUser, CoreUserRow, Impersonator, TenantUser, TenantUserRow } from './types.ts'
