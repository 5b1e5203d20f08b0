/** Points at which tests kill a process, between an effect and its record. */
import type { Intent } from './run.ts'

export const crashPoints = [
  'trigger claimed',
  'reply posted, not recorded',
  'message sent, not recorded',
  'status intent written',
  'status posted, not recorded',
  'branch made, not recorded',
  'task intent written',
  'task created, not recorded',
  'run intent written',
  'run created, not recorded',
  'message intent written',
  'message said, not recorded',
  'session intent written',
  'session rejoined, not recorded',
  'cancel asked, not recorded',
  'status edit sent, not recorded',
  'pull seen',
  'pull put right, not recorded',
  'pull intent written',
  'pull opened, not recorded',
  'question intent written',
  'question posted, not recorded',
  'closing intent written',
  'closing comment posted, not recorded',
  'last word edited, not recorded',
  'inline intent written',
  'inline answer posted, not recorded',
  'threads resolved, not recorded',
  'answer intent written',
  'answer posted, not recorded',
  'message answered, not recorded',
  'reaction swapped, not recorded',
  'label removed, not recorded',
  'state shown, not recorded',
  'branch dropped, not recorded',
  'branch left for later, not recorded',
  'unused branch removed, not recorded',
  'before the end',
] as const

export type CrashPoint = (typeof crashPoints)[number]

export type Reached = (point: CrashPoint) => void

export const around: Record<Intent['kind'], { begun: CrashPoint; done: CrashPoint }> = {
  'post-status': { begun: 'status intent written', done: 'status posted, not recorded' },
  'create-task': { begun: 'task intent written', done: 'task created, not recorded' },
  'start-run': { begun: 'run intent written', done: 'run created, not recorded' },
  'open-pull': { begun: 'pull intent written', done: 'pull opened, not recorded' },
  deliver: { begun: 'message intent written', done: 'message said, not recorded' },
  rejoin: { begun: 'session intent written', done: 'session rejoined, not recorded' },
  conclude: { begun: 'closing intent written', done: 'closing comment posted, not recorded' },
  'put-question': { begun: 'question intent written', done: 'question posted, not recorded' },
  'answer-inline': { begun: 'inline intent written', done: 'inline answer posted, not recorded' },
  'answer-message': { begun: 'answer intent written', done: 'answer posted, not recorded' },
}
