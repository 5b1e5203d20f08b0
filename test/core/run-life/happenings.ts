/** What people, webhooks and agents do while a Run is under way. */
import type { PullView } from '../../../src/core/model/views.ts'
import { ciTurn, goOn, isResting } from './agent.ts'
import type { Happening } from './script.ts'
import type { World } from './world.ts'

export function happen(world: World, what: Happening): void {
  switch (what.is) {
    case 'note':
      if (what.note.kind === 'pull' && !become(world, what.note.number, what.note.state)) return
      world.uninstalled ||= what.note.kind === 'access-lost'
      world.rows += 1
      if (world.isClosed) return
      world.inbox.push(JSON.stringify(what.note))
      return
    case 'wake':
      world.rows += 1
      return
    case 'hold':
      if (what.goes)
        world.holds.lift(what.hold, world.now, what.goes === 'told' ? world.wakes : undefined)
      else world.holds.put(what.hold, world.now)
      return
    case 'work':
      for (const agent of world.agents()) goOn(world, agent)
      return
    case 'idle end':
      for (const agent of world.agents().filter(isResting)) agent.status = 'completed'
      return
    case 'ci turn':
      for (const agent of world.agents()) ciTurn(world, agent)
      return
    case 'push':
      for (const name of world.branches.keys())
        if (name.startsWith('codex/'))
          world.commit(name, { sha: `${world.commits.length}`.padStart(40, 'c'), byPerson: true })
      return
    case 'status deleted':
      deleteStatus(world)
  }
}

function deleteStatus(world: World): void {
  const index = world.comments.findIndex(({ body }) =>
    world.signer.read(body, { repoId: 100, number: 7 }).some(({ as }) => as === 'status'),
  )
  if (index === -1) return
  world.comments.splice(index, 1)
  world.statusesDeleted += 1
}

/** False: there is no such pull request yet. */
function become(world: World, number: number, state: PullView['state']): boolean {
  const index = world.pulls.findIndex(each => each.number === number)
  const pull = world.pulls[index]
  if (pull) world.pulls[index] = { ...pull, state }
  return pull !== undefined
}
