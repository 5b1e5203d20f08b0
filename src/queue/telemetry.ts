/** BullMQ's spans, through OpenTelemetry's API: of a job's addition, and of each step of it, in one trace. */
import type { Telemetry } from 'bullmq'

export async function openTelemetry(): Promise<Telemetry> {
  const { BullMQOtel } = await import('bullmq-otel')
  const { tracer, contextManager }: Telemetry = new BullMQOtel({ tracerName: 'bullmq' })
  return {
    contextManager,
    tracer: {
      startSpan: (name, options, context) => tracer.startSpan(withoutJob(name), options, context),
    },
  }
}

/** BullMQ puts the name of the job in that of its span, and ours are all different. */
const withoutJob = (name: string): string => name.replace(/\.claim-.*$/, '')
