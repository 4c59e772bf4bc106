import type { Shape } from './shape.ts'

/** A definition that is longer, or has several lines, is not shown. */
const SHOWN = 60

/**
 * Says in words how a database differs from the one that it should be like, one sentence for each object or part:
 * `table notes: column colour only here`. Empty when they are alike.
 */
export function differencesOf(here: Shape, expected: Shape): string[] {
  const objects = [...new Set([...here.keys(), ...expected.keys()])].sort()
  return objects.flatMap((object) => {
    const [found, wanted] = [here.get(object), expected.get(object)]
    if (!wanted) return `${object}: only here`
    if (!found) return `${object}: missing`
    const parts = [...new Set([...found.keys(), ...wanted.keys()])].sort()
    return parts.flatMap((part) => {
      const difference = describe(found.get(part), wanted.get(part))
      return difference === undefined ? [] : `${object}: ${part === '' ? '' : `${part} `}${difference}`
    })
  })
}

function describe(found: string | undefined, wanted: string | undefined): string | undefined {
  if (found === wanted) return undefined
  if (wanted === undefined) return 'only here'
  if (found === undefined) return 'missing'
  if (![found, wanted].every(isShown)) return 'differs'
  return `is ${found}, not ${wanted}`
}

function isShown(definition: string): boolean {
  return definition !== '' && definition.length <= SHOWN && !definition.includes('\n')
}
