export async function POST(request: Request) {
  const bytes = new Uint8Array(await request.arrayBuffer());
  return new Response(bytes.reverse(), { headers: { 'content-type': 'application/octet-stream' } });
}

export async function GET() {
  return new Response(new Uint8Array([0, 200, 255]), { headers: { 'content-type': 'image/png' } });
}
