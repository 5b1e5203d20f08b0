/** The folded details of a Run's comments: what was permitted, and what Codex did not read. */
import { maxPromptText } from '../agent/fence.ts'
import { maxOfOne } from '../agent/thread-context.ts'
import { isUndone, offerOf } from '../record/last-word.ts'
import type { Run } from '../record/run.ts'
import { counted, paragraphs, withoutEmpty } from '../text/phrases.ts'
import { code, inlineWords } from '../text/safe-markdown.ts'
import { doneSoFar } from './while-working.ts'
import { boxFor } from './words.ts'

/** What went as it should is not told: whoever stopped a run has seen it, and a result speaks for itself. */
export function details(run: Run): string {
  const { outcome } = run.result
  if (outcome?.kind === 'stopped') return ''
  const killed = run.session.sessionLog?.activity?.killed
  const did = isUndone(outcome) ? doneSoFar(run) : []
  const steps = withoutEmpty([
    did.length > 0 && `In total: ${did.join(', ')}`,
    permission(run),
    killed &&
      `⚠️ PostHog ended ${code(killed)}, which used too much memory. Codex went on without it.`,
  ])
  const all = paragraphs([steps.join('\n'), whatItRead(run)])
  return all && `<details><summary>Details</summary>\n\n${all}\n\n</details>`
}

function permission({ session: { permission } }: Run): string | undefined {
  if (!permission || permission.untaken) return undefined
  const [answered, may] = permission.allowed ? ['✅', 'may'] : ['🚫', 'may not']
  const what = inlineWords(permission.title.replaceAll('`', ''), 120)
  return `${answered} Codex asked for permission and ${may} do this: ${what}`
}

/** Nothing is said if it got all there is. */
function whatItRead({ workspace: { given: what } }: Run): string {
  if (!what) return ''
  const { thread, comments, onLines, authors, cut, cutComments, unshown, leftOut } = what
  const people = authors.map(author => inlineWords(author, 60)).join(', ')
  const lines = onLines === 0 ? '' : `, ${onLines} of them on lines of code`
  const asked = `the instruction${thread ? ', title and description, as they were when you asked' : ''}`
  const said = comments === 0 ? '' : `, and ${counted(comments, 'comment')} (by ${people}${lines})`
  const shortened = withoutEmpty([
    ...cut.map(which => `the ${which} at ${maxPromptText} characters`),
    cutComments > 0 && `${counted(cutComments, 'comment')} at ${maxOfOne} characters`,
  ])
  const out = [
    [leftOut.outsiders, 'by people without write permission'],
    [leftOut.unknown, 'by people whose permission was not checked, as there are too many'],
    [leftOut.later, 'written or edited after you asked'],
    [leftOut.resolved, 'in resolved threads'],
    [leftOut.minimized, 'hidden on the page'],
    [leftOut.unseen, 'that GitHub did not show'],
    [leftOut.older, 'too old'],
  ].flatMap(([count, which]) => (count ? [`${count} ${which}`] : []))
  if (shortened.length === 0 && unshown === 0 && out.length === 0) return ''
  return withoutEmpty([
    `Codex read ${asked}${said}.`,
    shortened.length > 0 && `Cut: ${shortened.join(', ')}.`,
    unshown > 0 && `Not shown on the page, so not read: ${counted(unshown, 'word')}.`,
    out.length > 0 && `Comments that it did not read: ${out.join(', ')}.`,
  ]).join(' ')
}

export function boxesAfter(run: Run): string {
  const offer = offerOf(run)
  return offer ? boxFor(offer) : ''
}
