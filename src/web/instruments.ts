import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

export const prefix = 'codex_bot_'
export const seconds = (ms: number): number => Math.max(0, ms) / 1_000

export function counter<L extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: L[] = [],
) {
  return new Counter({ name: prefix + name, help, labelNames, registers: [registry] })
}

export function gauge<L extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: L[] = [],
) {
  return new Gauge({ name: prefix + name, help, labelNames, registers: [registry] })
}

interface Timed<L extends string> {
  labelNames?: L[]
  buckets: number[]
}

export function histogram<L extends string>(registry: Registry, name: string, help: string, timed: Timed<L>) {
  return new Histogram({ name: prefix + name, help, ...timed, registers: [registry] })
}
