// Imported into a server before it starts, with --expose-gc: on SIGUSR2 it collects garbage and prints the bytes of
// heap that are left. Not part of the product, which must not be asked for more than it would offer an operator.
const COLLECTIONS = 4

process.on('SIGUSR2', () => void report())

/** What one collection sets free another can collect, such as targets of weak references. */
async function report(): Promise<void> {
  for (let time = 0; time < COLLECTIONS; time++) {
    await globalThis.gc?.({ execution: 'async', type: 'major' })
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  console.log(`heap-used ${process.memoryUsage().heapUsed}`)
}
