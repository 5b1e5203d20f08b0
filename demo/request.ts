/** The request that PostHog got, to the letter: the JSON, then its longest field as the text that it is. */
import type { LedgerEntry } from '../emulators/posthog/ledger.ts'
import { type Line, quoteBar, span, wrap } from './ink.ts'

const promptField = 'pending_user_message'

/** @param path of the endpoint */
export function requestLines(entry: LedgerEntry, path: string, cells: number): Line[] {
  const body = Object.entries(entry.body ?? {})
  const prompt = String(body.find(([name]) => name === promptField)?.[1] ?? '')
  const json = JSON.stringify(Object.fromEntries(body.map(abridged)), null, 2)
  return [
    [span('  What PostHog was asked', 'bold')],
    [],
    ...wrap([span(`  POST ${path}`, 'cyan')], cells),
    ...json.split('\n').map(jsonLine),
    [],
    [span(`  ${promptField}, in full`, 'bold')],
    [],
    ...prompt.split('\n').flatMap(line => wrap([span(line)], cells - 4).map(quoted)),
    [],
  ]
}

const abridged = ([name, value]: [string, unknown]): [string, unknown] =>
  name === promptField ? [name, `… ${String(value).length} characters, below …`] : [name, value]

const quoted = (line: Line): Line => [span('  '), quoteBar, ...line]

function jsonLine(line: string): Line {
  const [, indent = '', name = '', rest = line] = /^(\s*)("[^"]+": )(.*)$/.exec(line) ?? []
  return name === '' ? [span(`  ${line}`)] : [span(`  ${indent}`), span(name, 'blue'), span(rest, 'green')]
}
