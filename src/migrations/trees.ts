import { fileURLToPath } from 'node:url'

/** Beside the sources as beside the build: both lie one level below the project. */
const directory = (tree: string) => fileURLToPath(new URL(`../../migrations/${tree}/`, import.meta.url))

/** Where the files of each kind of database are. */
export const MIGRATIONS = { core: directory('core'), tenant: directory('tenant') } as const
