import type { Diagnosis, Finding, LeftFinding, Severity } from '../../tenancy/index.ts'
import type { CommandContext } from '../context.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { table } from '../output.ts'

const HEADINGS = ['SEVERITY', 'SERVER', 'CODE', 'SUBJECT', 'FINDING', 'STATEMENT']
const BY_SEVERITY: readonly Severity[] = ['error', 'warning', 'info']

/** Prints what was found; exits with 3 when anything but information is left. */
export function report({ output }: CommandContext, diagnosis: Diagnosis): ExitCode {
  const left = diagnosis.left.toSorted(
    (one, other) => BY_SEVERITY.indexOf(one.severity) - BY_SEVERITY.indexOf(other.severity),
  )
  const count = (severity: Severity) => left.filter((finding) => finding.severity === severity).length
  const counts = { errors: count('error'), warnings: count('warning'), infos: count('info') }
  const { servers, tenants, mended } = diagnosis
  output.data(
    { servers, tenants, ...counts, findings: left.map(asJson), mended: mended.map(asJson) },
    [
      ...mended.map(
        ({ server, code, subject, text }) => `mended: ${server} ${code} ${subject}: ${inLine(text)}`,
      ),
      ...(left.length > 0 ? [table(HEADINGS, left.map(asRow))] : []),
      summary(diagnosis, counts),
    ].join('\n'),
  )
  return counts.errors + counts.warnings > 0 ? EXIT.notClean : EXIT.done
}

function asJson(finding: LeftFinding) {
  const { code, severity, server, tenantId, subject, text, statement, mend, mendError } = finding
  return {
    code,
    severity,
    server,
    tenant_id: tenantId ?? null,
    subject,
    text,
    statement: statement ?? null,
    is_mendable: mend !== undefined,
    ...(mendError !== undefined && { mend_error: mendError }),
  }
}

function asRow(finding: LeftFinding): string[] {
  const { severity, server, code, subject, text, statement = '', mendError } = finding
  const outcome = mendError === undefined ? '' : `; it could not be mended: ${mendError}`
  return [severity, server, code, subject, text + outcome, statement].map(inLine)
}

/** Comments and errors come from elsewhere, and a row of the table is one line. */
function inLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ')
}

function summary(
  { servers, tenants, left }: Diagnosis,
  { errors, warnings, infos }: Record<'errors' | 'warnings' | 'infos', number>,
): string {
  const mendable = left.filter((finding: Finding) => finding.mend).length
  const hint = mendable > 0 ? `; --fix tries to mend ${mendable}` : ''
  const found = `errors: ${errors}, warnings: ${warnings}, for information: ${infos}`
  return `servers: ${servers}, tenants with spares: ${tenants}, ${found}${hint}`
}
