/** Waits for `work`, but not longer than `ms`; a failure after that goes to `failedLater`. Throws what `work` throws. */
export async function atMost(
  ms: number,
  work: Promise<unknown>,
  failedLater: (error: unknown) => void,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, ms, 'late')
  })
  try {
    if ((await Promise.race([work, timeout])) === 'late') work.catch(failedLater)
  } finally {
    clearTimeout(timer)
  }
}
