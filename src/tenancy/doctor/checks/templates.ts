import { quoteIdentifier } from '../../../platform/index.ts'
import { beginBuilding, endBuilding, templateMark } from '../../databases/store.ts'
import { templateName, templatePrefix } from '../../provisioning/template.ts'
import { aboutServer, HALF_DROPPED } from '../about.ts'
import type { Finding, FindingCode, Severity } from '../finding.ts'
import { dropTemplate } from '../remove.ts'
import { onServer, type ServerScope } from '../scope.ts'
import type { DatabaseFacts } from '../store.ts'

/** The name that a template has while it is built: eight digits more. */
const HALF_BUILT = /^[0-9a-f]{12}_[0-9a-f]{8}$/
const FINISHED = /^[0-9a-f]{12}$/

/** Templates that nobody will finish, and those of other versions of the program. */
export async function checkTemplates(scope: ServerScope): Promise<Finding[]> {
  const prefix = templatePrefix(scope.ourId)
  const current = templateName(scope.ourId, scope.migrations)
  const ours = [...scope.databases.values()].filter(({ name }) => name.startsWith(prefix))
  const isHalfDropped = ({ connectionLimit }: DatabaseFacts) => connectionLimit === HALF_DROPPED
  const findings: Finding[] = ours
    .filter(isHalfDropped)
    .map((template) =>
      describe(scope, template, 'database-half-dropped', 'warning', 'a template, dropped in part'),
    )
  for (const template of ours.filter((one) => !isHalfDropped(one))) {
    const rest = template.name.slice(prefix.length)
    if (HALF_BUILT.test(rest) && (await isForsaken(scope, template.name)))
      findings.push(
        describe(
          scope,
          template,
          'template-half-built',
          'warning',
          'half a template that nobody will finish',
        ),
      )
    if (FINISHED.test(rest) && template.name !== current)
      findings.push(
        describe(
          scope,
          template,
          'template-superseded',
          'info',
          'a template of another version of the program',
        ),
      )
  }
  return findings
}

/** Who builds a template holds a lock that ends with the session. */
async function isForsaken(scope: ServerScope, name: string): Promise<boolean> {
  return await onServer(scope, async (server) => {
    const isFree = await beginBuilding(server, name)
    if (isFree) await endBuilding(server, name)
    return isFree
  })
}

function describe(
  scope: ServerScope,
  { name, comment }: DatabaseFacts,
  code: FindingCode,
  severity: Severity,
  text: string,
): Finding {
  const isProven = comment === templateMark(scope.ourId)
  const how = isProven
    ? { mend: () => dropTemplate(scope, name) }
    : { statement: `DROP DATABASE ${quoteIdentifier(name)};` }
  return aboutServer(scope, { code, severity, text, ...how }, name)
}
