/** A client made of single calls, each by its port and name. */
import type { GitHubCall, ThreadClient } from '../../src/core/model/ports.ts'

export type GitHubCalls = {
  [Call in GitHubCall]: Call extends `${infer Port extends keyof ThreadClient}.${infer Method}`
    ? ThreadClient[Port][Method & keyof ThreadClient[Port]]
    : never
}

export const clientOf = (calls: Partial<GitHubCalls>): ThreadClient =>
  named(port => named(method => Reflect.get(calls, `${port}.${method}`))) as never

const named = (get: (name: string) => unknown) =>
  new Proxy({}, { get: (_, name) => get(String(name)) })
