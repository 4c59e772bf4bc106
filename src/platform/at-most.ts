const LATE = Symbol('late')

/**
 * What `work` gives, or `undefined` when that takes longer than `ms`; a failure after that goes to `failedLater`. Throws what
 * `work` throws.
 */
export async function atMost<T>(
  ms: number,
  work: Promise<T>,
  failedLater: (error: unknown) => void,
): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(resolve, ms, LATE)
  })
  try {
    const result = await Promise.race([work, timeout])
    if (result !== LATE) return result
    work.catch(failedLater)
    return undefined
  } finally {
    clearTimeout(timer)
  }
}
