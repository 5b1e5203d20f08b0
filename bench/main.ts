/** `npm run bench` measures everything, `npm run bench -- ROW …` some of it, and prints the table. */
import { cpus, loadavg, release, totalmem } from 'node:os'
import { eyes, eyesEmbedded } from './eyes.ts'
import { floodsEmbedded, floodsRedis } from './floods.ts'
import { followed } from './followed.ts'
import { link, linkEmbedded } from './link.ts'
import { isReached, type Measured, type Row } from './row.ts'
import { start, startEmbedded } from './start.ts'
import { acks, ignoredWebhooks, webhooks } from './webhooks.ts'

const rows: readonly Row[] = [
  ...[webhooks, ignoredWebhooks, acks],
  ...[eyes, eyesEmbedded, start, startEmbedded, link, linkEmbedded],
  ...[floodsRedis, floodsEmbedded, followed],
]

const wanted = process.argv.slice(2)
const unknown = wanted.filter(name => !rows.some(row => row.name === name))
if (unknown.length > 0) {
  console.error(
    `no row ${unknown.join(', ')}; there are ${rows.map(({ name }) => name).join(', ')}`,
  )
  process.exit(1)
}

console.log(machine(), '\n')
console.log('| Row | What | Floor | Ours | Ratio | Reach | |')
console.log('|---|---|---|---|---|---|---|')
for (const row of rows.filter(({ name }) => wanted.length === 0 || wanted.includes(name)))
  console.log(lineOf(row, await row.measure()))
process.exit(0)

function machine(): string {
  const all = cpus()
  const memory = Math.round(totalmem() / 2 ** 30)
  return `${all.length} × ${all[0]?.model.trim() || process.arch}, ${memory} GB, Linux ${release()}, Node ${process.version}, load ${loadavg()[0]?.toFixed(1)} at the start`
}

function lineOf({ name, about }: Row, measured: Measured): string {
  return `| ${[name, about, ...cells(measured), isReached(measured) ? 'reached' : 'not reached'].join(' | ')} |`
}

function cells(measured: Measured): string[] {
  switch (measured.kind) {
    case 'rate':
      return [
        perSecond(measured.floor),
        perSecond(measured.ours),
        (measured.ours / measured.floor).toFixed(2),
        `≥ ${measured.reach}`,
      ]
    case 'time':
      return [
        `${Math.round(measured.floor)} ms`,
        `${Math.round(measured.ours)} ms`,
        `${(measured.ours / measured.floor).toFixed(1)} ×`,
        `≤ ${measured.reach} ×`,
      ]
    case 'bounds':
      return [
        '–',
        told(measured.each, ({ ours }) => ours.toPrecision(2)),
        '–',
        told(measured.each, ({ reach }) => `< ${reach}`),
      ]
  }
}

function perSecond(rate: number): string {
  return `${rate < 100 ? rate.toFixed(1) : Math.round(rate)}/s`
}

function told<T>(each: Record<string, T>, textOf: (value: T) => string): string {
  return Object.entries(each)
    .map(([what, value]) => `${what} ${textOf(value)}`)
    .join(', ')
}
