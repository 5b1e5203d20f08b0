/** BullMQ's spans of adding a job and of its steps, in one trace. */
import type { Telemetry } from 'bullmq'

export async function openTelemetry(): Promise<Telemetry> {
  const { BullMQOtel } = await import('bullmq-otel')
  const { tracer, contextManager }: Telemetry = new BullMQOtel({ tracerName: 'bullmq' })
  return {
    contextManager,
    tracer: {
      // Job names are unique, so span names leave them out.
      startSpan: (name, options, context) =>
        tracer.startSpan(name.replace(/\.claim-.*$/, ''), options, context),
    },
  }
}

export const traced = (telemetry: Telemetry | undefined): { telemetry?: Telemetry } =>
  telemetry === undefined ? {} : { telemetry }
