/**
 * The bot behind a Redis that fails over: `npm run failovers`. Three sentinels with a master and two replicas, then a
 * cluster of three masters with a replica each. The master of the queue is killed while people ask; a proxy leads to
 * whoever is promoted, as a managed Redis does. GitHub and PostHog are the judges: nothing is lost, or done twice.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Redis } from 'ioredis'
import { bundle } from '../test/bundle.ts'
import { bringUp, redeliverFailed } from '../test/chaos/mortal-bot.ts'
import { type Play, type SceneName, scenes } from '../test/chaos/plays.ts'
import { randomOf } from '../test/chaos/random.ts'
import { judge, type Stage } from '../test/chaos/stage.ts'
import { freePort } from '../test/support/free-port.ts'
import { startWorld } from '../test/world/world.ts'

/** In which nothing depends on who is faster. */
const cast = ['asked', 'labelled', 'pushed', 'answered', 'explained', 'stopped'] as const

/** That of the queue's keys in a cluster. */
const queueSlot = 14_041

interface Servers {
  /** The port of the master that has the queue, or nothing while there is none. */
  master(): Promise<number | undefined>
}

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '2' }, seed: { type: 'string', default: '1' } },
})
const folder = mkdtempSync(join(tmpdir(), 'failovers-'))
const children = new Map<number, ChildProcess>()
/** How each server was started. */
const started = new Map<number, string[]>()
process.on('exit', () => {
  for (const child of children.values()) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

await bundle()
const violations = [
  ...(await playOn('Sentinel', withSentinels)),
  ...(await playOn('Cluster', asCluster)),
]
process.stdout.write(`${violations.length} violations\n`)
process.exit(violations.length === 0 ? 0 : 1)

async function playOn(name: string, start: () => Promise<Servers>): Promise<string[]> {
  const servers = await start()
  const proxy = await leadTo(servers)
  const world = await startWorld({
    redisUrl: `redis://127.0.0.1:${proxy}`,
    roles: [],
    settings: 'limits: { repository_per_day: 10000, cost_per_day: 10000 }',
    posthog: { rate: 'off' },
  })
  const random = randomOf(Number(values.seed), name)
  const notes = { violations: [], recoveries: [], threads: 0 }
  const stage: Stage = { world, random, redis: undefined, notes }
  await bringUp(world)
  for (let kill = 1; kill <= Number(values.kills); kill += 1) {
    const plays: Play[] = []
    for (const scene of random.shuffled<SceneName>([...cast, ...cast])) {
      plays.push(await scenes[scene](world, `${name}${kill}x${plays.length}`))
      await sleep(random.between(0, 400))
      if (plays.length === cast.length) await killMaster(servers)
    }
    await world.github.settled()
    redeliverFailed(world)
    await judge(stage, plays)
    process.stdout.write(`${name}, kill ${kill}: ${plays.length} threads\n`)
  }
  for (const violation of stage.notes.violations) process.stdout.write(`  ✗ ${violation}\n`)
  if (stage.notes.violations.length > 0) {
    mkdirSync('reports', { recursive: true })
    writeFileSync(`reports/failovers-${name}.log`, world.bot.output())
  }
  await world.close()
  return stage.notes.violations
}

async function killMaster(servers: Servers): Promise<void> {
  const old = await servers.master()
  if (old === undefined) throw new Error('there is no master to kill')
  children.get(old)?.kill('SIGKILL')
  const began = Date.now()
  await until('another master', async () => ![undefined, old].includes(await servers.master()))
  process.stdout.write(`  promoted after ${((Date.now() - began) / 1000).toFixed(1)} s\n`)
  await sleep(1_000)
  launch(old, started.get(old) ?? [])
}

function launch(port: number, args: string[]): void {
  started.set(port, args)
  const child = spawn('redis-server', args, { stdio: 'ignore' })
  children.set(port, child)
}

function basics(port: number): string[] {
  const settings = {
    port,
    bind: '127.0.0.1',
    dir: folder,
    save: '',
    // A cluster takes no node that has found the keys of another server.
    dbfilename: `dump-${port}.rdb`,
    'repl-diskless-sync-delay': 0,
  }
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
}

async function withSentinels(): Promise<Servers> {
  const [first = 0, ...replicas] = await ports(3)
  launch(first, basics(first))
  for (const port of replicas)
    launch(port, [...basics(port), '--replicaof', '127.0.0.1', `${first}`])
  const guards = await ports(3)
  for (const port of guards) {
    const file = join(folder, `sentinel-${port}.conf`)
    writeFileSync(
      file,
      [
        `port ${port}`,
        'bind 127.0.0.1',
        `dir ${folder}`,
        `sentinel monitor queue 127.0.0.1 ${first} 2`,
        'sentinel down-after-milliseconds queue 1000',
        'sentinel failover-timeout queue 5000',
      ].join('\n'),
    )
    launch(port, [file, '--sentinel'])
  }
  const isWhole = async () => {
    const seen = await ask(guards, 'SENTINEL', 'MASTER', 'queue')
    const facts = Array.isArray(seen) ? seen.map(String) : []
    const factOf = (key: string) => facts[facts.indexOf(key) + 1]
    return factOf('num-slaves') === '2' && factOf('num-other-sentinels') === '2'
  }
  await until('sentinels that know all', isWhole)
  return {
    master: async () => {
      const address = await ask(guards, 'SENTINEL', 'get-master-addr-by-name', 'queue')
      const port = Array.isArray(address) ? Number(address[1]) : undefined
      return port !== undefined && (await isMaster(port)) ? port : undefined
    },
  }
}

async function asCluster(): Promise<Servers> {
  // Its nodes speak to each other ten thousand ports higher.
  const nodes = await ports(6)
  for (const port of nodes)
    launch(port, [
      ...basics(port),
      ...['--cluster-enabled', 'yes', '--cluster-config-file', `nodes-${port}.conf`],
      ...['--cluster-node-timeout', '2000'],
    ])
  await until('six nodes', async () => (await Promise.all(nodes.map(isMaster))).every(Boolean))
  const addresses = nodes.map(port => `127.0.0.1:${port}`)
  const made = spawn(
    'redis-cli',
    ['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes'],
    { stdio: 'ignore' },
  )
  await new Promise(resolve => made.once('exit', resolve))
  const rows = async () => String((await ask(nodes, 'CLUSTER', 'NODES')) ?? '').split('\n')
  await until('three replicas', async () => {
    const all = await rows()
    return all.filter(row => / (?:myself,)?slave .* connected/.test(row)).length === 3
  })
  const hasQueue = (row: string) =>
    [...row.matchAll(/ (\d+)-(\d+)/g)].some(
      ([, from, to]) => Number(from) <= queueSlot && queueSlot <= Number(to),
    )
  return {
    master: async () => {
      const row = (await rows()).find(each => / (?:myself,)?master /.test(each) && hasQueue(each))
      const port = Number(/ 127\.0\.0\.1:(\d+)@/.exec(row ?? '')?.[1])
      return Number.isNaN(port) || !(await isMaster(port)) ? undefined : port
    },
  }
}

/** @returns its port; whoever is connected when the master goes is cut off */
async function leadTo(servers: Servers): Promise<number> {
  const open = new Set<Socket>()
  let master: number | undefined
  const follow = async (): Promise<void> => {
    const now = await servers.master().catch(() => undefined)
    if (now !== master) for (const socket of open) socket.destroy()
    master = now
    setTimeout(follow, 100).unref()
  }
  await follow()
  const proxy = createServer(near => {
    if (master === undefined) {
      near.destroy()
      return
    }
    const far = connect(master, '127.0.0.1')
    for (const socket of [near, far]) {
      open.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => {
        open.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.pipe(far).pipe(near)
  })
  const port = await freePort()
  proxy.listen(port, '127.0.0.1').unref()
  return port
}

async function ports(count: number): Promise<number[]> {
  const found = new Set<number>()
  while (found.size < count) found.add(await freePort())
  return [...found]
}

async function isMaster(port: number): Promise<boolean> {
  return /role:master/.test(String(await ask([port], 'INFO', 'replication')))
}

/** @returns the first answer of those that answer */
async function ask(of: readonly number[], command: string, ...args: string[]): Promise<unknown> {
  for (const port of of) {
    const redis = new Redis(port, '127.0.0.1', {
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      commandTimeout: 1_000,
    })
    redis.on('error', () => {})
    const answer = await redis.call(command, ...args).catch(() => undefined)
    redis.disconnect()
    if (answer !== undefined && answer !== null) return answer
  }
  return undefined
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`there is no ${what}`)
    await sleep(100)
  }
}
