export async function GET() {
  return new Response('plain words', { headers: { 'x-one': '1' } });
}
