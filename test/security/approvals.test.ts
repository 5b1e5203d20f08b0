/** What an approval carries out, and what is no plan. */
import { expect } from 'vitest'
import type { MemoryBot } from './memory-bot.ts'
import * as github from './payloads.ts'
import { has, tableOf } from './steps.ts'

const plan = github.comment({ at: 10, text: '/codex plan the split' })
const onLine = github.inlineComment({ at: 10, text: '/codex plan the split' })
const approval = { id: 502, at: 900, text: '/codex approve' }
const approve = github.comment(approval)
const losesStatus = ({ comments }: MemoryBot) =>
  comments.splice(
    comments.findIndex(({ body }) => body.startsWith('### ')),
    1,
  )
const carriedOut = (differs: object) => [expect.anything(), expect.objectContaining(differs)]
const noPlan = { starts: 1, last: has('no plan') }

tableOf({ starts: 2 }, { agent: { says: '1. Split it' } })(
  [
    'a plan is carried out',
    [plan, approve],
    {
      requests: carriedOut({ auto_publish: true, resume_from_run_id: expect.any(String) }),
      prompts: [expect.anything(), has('Carry out the plan')],
    },
  ],
  [
    'a plan that was made on a line of a pull request is carried out',
    [onLine, github.inlineComment(approval)],
    { requests: carriedOut({ auto_publish: true, branch: 'maya/login' }) },
  ],
  ['a plan whose status comment somebody deleted is carried out', [plan, losesStatus, approve], {}],
  [
    'one that failed is not',
    [plan, approve],
    noPlan,
    { agent: { says: 'The usage limit is reached.', fails: true } },
  ],
  ['one of which nothing was said is not', [plan, approve], noPlan, { agent: { says: '' } }],
  [
    'one that was an answer is not',
    [github.comment({ at: 10, text: '/codex why?' }), approve],
    noPlan,
  ],
  ['one that was work is not', [github.comment({ at: 10 }), approve], noPlan],
)
