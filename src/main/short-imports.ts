import { registerHooks } from 'node:module'

/** It is all ES modules, and names each of its files in its package.json, which so has 179 KB. */
const PACKAGE = '/node_modules/drizzle-orm/'

/**
 * Shortens how Node.js finds the files of drizzle-orm. It parses a package's package.json for each file of it and for each
 * file of ours that imports it: two hundred times 179 KB, which was half of the start of every command (0.47 s instead of
 * 0.98 on two slow cores).
 */
export function shortenImports(): void {
  const known = new Map<string, ReturnType<Resolve>>()
  registerHooks({
    resolve: (specifier, context, next) => {
      const from = context.parentURL ?? ''
      if (specifier.startsWith('.') && from.includes(PACKAGE) && from.endsWith('.js'))
        return { url: new URL(specifier, from).href, format: 'module', shortCircuit: true }
      const isOurs = !from.includes('/node_modules/')
      if (!isOurs || !specifier.startsWith('drizzle-orm')) return next(specifier, context)
      const found = known.get(specifier) ?? { ...next(specifier, context), shortCircuit: true }
      known.set(specifier, found)
      return found
    },
  })
}

type Resolve = NonNullable<Parameters<typeof registerHooks>[0]['resolve']>
