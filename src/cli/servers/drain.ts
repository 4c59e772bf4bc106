import { recordAudit } from '../../audit/index.ts'
import { listServers, setDraining } from '../../tenancy/index.ts'
import { type CommandContext, UsageError } from '../context.ts'
import type { Databases } from '../databases.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { operatorAudit } from '../operator-audit.ts'

/** Stops, or with `undo` allows again, that new tenants are placed on a server. */
export async function drain(
  { output }: CommandContext,
  { core }: Databases,
  name: string,
  undo: boolean,
): Promise<ExitCode> {
  await core.transaction(async (tx) => {
    const server = (await listServers(tx)).find((one) => one.name === name)
    if (!server) throw new UsageError(`There is no server ${name}.`)
    if (server.isDraining === !undo) return
    await setDraining(tx, name, !undo)
    const target = { kind: 'server', id: server.id }
    const action = undo ? 'server.undrained' : 'server.drained'
    await recordAudit(tx, operatorAudit(action, { actor: { kind: 'operator' }, target }))
  })
  output.data(
    { name, is_draining: !undo },
    undo ? `${name}: takes new tenants again` : `${name}: takes no new tenants; those that it has stay`,
  )
  return EXIT.done
}
