/** The emulator's own door, for processes that can't call its methods. No authentication. */
import { z } from 'zod'
import { behaviourSchema } from './behaviour.ts'
import { faultRuleSchema } from './fault.ts'
import { ok, type Reply } from './reply.ts'
import type { World } from './world.ts'

/** `prompt` must occur in the prompt, `repository` must be the task's; both default to anything. */
const scriptSchema = z.object({
  prompt: z.string().optional(),
  repository: z.string().optional(),
  times: z.number().optional(),
  behaviour: behaviourSchema,
})

const switchesSchema = z
  .strictObject({
    afterTurn: z.enum(['idles', 'ends']),
    resumesOn: z.enum(['any', 'its-own']),
    agent: z.enum(['obedient', 'disobedient']),
    endedWorkflow: z.literal([409, 502]),
    dedupesMessages: z.boolean(),
    namesCreatedRun: z.boolean(),
  })
  .partial()

export function serveControl(world: World, method: string, path: string, raw: Buffer): Reply {
  switch (`${method} ${path.replace(/\/$/, '')}`) {
    case 'GET /__emulator/ledger':
      return ok(world.ledger)
    case 'GET /__emulator/calls':
      return ok(world.calls)
    case 'POST /__emulator/script':
      return checked(scriptSchema, raw, ({ prompt, repository, behaviour, times }) =>
        world.scripts.add({ prompt, repository }, behaviour, times),
      )
    case 'POST /__emulator/fault':
      return checked(faultRuleSchema, raw, rule => {
        world.faults.arm(rule)
      })
    case 'POST /__emulator/switches':
      return checked(switchesSchema, raw, switches => {
        Object.assign(world.settings, switches)
      })
    case 'DELETE /__emulator/fault':
      world.faults.clear()
      return { status: 204 }
    default:
      return ok({ error: 'No such control' }, 404)
  }
}

function checked<T>(schema: z.ZodType<T>, raw: Buffer, act: (value: T) => void): Reply {
  const parsed = schema.safeParse(parse(raw))
  if (!parsed.success) return ok({ error: z.prettifyError(parsed.error) }, 400)
  act(parsed.data)
  return { status: 204 }
}

function parse(raw: Buffer): unknown {
  try {
    return JSON.parse(raw.toString('utf8'))
  } catch {
    return undefined
  }
}
