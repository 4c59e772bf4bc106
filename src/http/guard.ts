import type { FastifyRequest } from 'fastify'
import type { ErrorDefinition, ErrorFactory } from '../platform/index.ts'

/** One OpenAPI security requirement: scheme name -> scopes. Several in a list mean any one of them. */
export type SecurityRequirement = Readonly<Record<string, readonly string[]>>

/**
 * Admits a request and says on whose behalf it runs. A route takes it as `onRequest: guard.onRequest`, so it runs
 * before the body is read, and its handler asks `guard.admitted(request)`. Feature modules get their guards as
 * arguments and never know how they decide.
 */
export interface Guard<Admitted> {
  /** Throws the error that the client gets when the request is not admitted. */
  readonly onRequest: (request: FastifyRequest) => Promise<void>
  /**
   * Gives what was found out about the request.
   *
   * @throws when the guard did not run for it: a route that forgot its guard must not work
   */
  admitted(request: FastifyRequest): Admitted
  readonly security: readonly SecurityRequirement[]
  /** What it refuses with, for the API description. */
  readonly errors: readonly ErrorDefinition[]
  /** What the caller must be allowed to do, for the API description; `undefined` where the kind of token decides alone. */
  readonly permission?: string | undefined
}

/** A guard that admits nobody until a route says what for: a route without a permission does not compile. */
export interface PermissionGuard<Admitted> {
  /**
   * Gives the guard for one permission.
   *
   * @throws when there is no such permission
   */
  requires(permission: string, options?: PermissionOptions): Guard<Admitted>
}

export interface PermissionOptions {
  /** Name of the path parameter with a person's id: to oneself everybody may do it. */
  readonly orSelf?: string
}

/**
 * Makes a guard.
 *
 * @param security how the API description names it
 * @param admit decides; throws to refuse
 * @param errors the kinds of error that `admit` throws: they are documented on every route that the guard protects
 * @param permission what `admit` asks for besides a token; documented as `x-permission`
 */
export function createGuard<Admitted>(
  security: readonly SecurityRequirement[],
  admit: (request: FastifyRequest) => Promise<Admitted>,
  errors: readonly ErrorFactory[] = [],
  permission?: string,
): Guard<Admitted> {
  // An object around the value, because "admitted as nobody" is not "did not run".
  const admissions = new WeakMap<FastifyRequest, { readonly value: Admitted }>()
  const guard: Guard<Admitted> = {
    async onRequest(request) {
      admissions.set(request, { value: await admit(request) })
    },
    admitted(request) {
      const admission = admissions.get(request)
      if (!admission) throw new Error('The guard did not run for this request')
      return admission.value
    },
    security,
    errors: errors.map(({ definition }) => definition),
    permission,
  }
  guards.set(guard.onRequest, guard)
  return guard
}

const guards = new WeakMap<object, Guard<unknown>>()

/** Finds the guards among a route's `onRequest` hooks, so that its description cannot differ from what it does. */
export function guardsOf(hooks: unknown): readonly Guard<unknown>[] {
  return [hooks].flat().flatMap((hook) => (typeof hook === 'function' ? (guards.get(hook) ?? []) : []))
}
