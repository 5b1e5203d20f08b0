/**
 * The real agent has no network but loopback: everything runs in a network namespace in which nothing else is up. Who
 * may make none fails, rather than to let a test out.
 */
import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'

/** Perl is on every Debian; `ip` is not. SIOCSIFFLAGS: IFF_UP, IFF_LOOPBACK, IFF_RUNNING. */
const up =
  'socket my $s, 2, 2, 0; my $on = pack "a16 s x14", "lo", 0x49; ioctl $s, 0x8914, $on or die "lo: $!"'

/** @returns its exit code */
export function withoutNetwork(
  command: string,
  args: string[],
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user']
  const inside = ['sh', '-ec', `perl -e '${up}'; exec "$@"`, 'sh', command, ...args]
  const child = spawn('unshare', [...asRoot, '--net', '--mount', '--', ...inside], {
    stdio: 'inherit',
    env,
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', code => resolve(code ?? 1))
  })
}

/** For vitest, before all. @throws if anything but this machine can be reached */
export async function setup(): Promise<void> {
  const others = Object.entries(networkInterfaces()).filter(([name]) => name !== 'lo')
  if (others.length > 0)
    throw new Error(`the tests of the real agent have a network: ${others.map(([name]) => name)}`)
  // Of the addresses that are kept for documentation: without a way out, the kernel refuses at once.
  const code = await new Promise<string>(resolve => {
    const socket = connect({ host: '192.0.2.1', port: 443, timeout: 3_000 })
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
    for (const event of ['connect', 'timeout']) socket.once(event, () => resolve(event))
  })
  if (code !== 'ENETUNREACH')
    throw new Error(`a way out of this machine: ${code}. Use npm run test:real`)
}
