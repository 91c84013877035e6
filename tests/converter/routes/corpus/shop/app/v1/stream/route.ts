export const dynamic = 'force-dynamic';
export const maxDuration = 30;

async function* words(): AsyncGenerator<string> {
  for (const word of ['event: tick\n', 'data: 1\n\n', 'data: ✓\n\n']) {
    yield word;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export async function GET() {
  const encoder = new TextEncoder();
  const iterator = words();
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
  });
  return new Response(stream, { headers: { 'Content-Type': 'text/event-stream' } });
}
