/** Starts `count` pieces of work behind one gate, so that all of them run when it opens. */
export async function atOnce<T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const gate = Promise.withResolvers<void>()
  const running = Array.from({ length: count }, async (_, index) => {
    await gate.promise
    return await work(index)
  })
  gate.resolve()
  return await Promise.all(running)
}
