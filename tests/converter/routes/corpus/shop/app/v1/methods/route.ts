const answer = (name: string) => async (request: Request) =>
  new Response(name, { headers: { 'x-method': request.method } });

export const HEAD = async () => new Response(null, { status: 200, headers: { 'x-head': 'own' } });
export const GET = answer('got');
const shared = answer('shared');
export { shared as PATCH, shared as PUT };
export async function OPTIONS() {
  return new Response(null, { status: 200, headers: { Allow: 'GET', 'x-own': 'options' } });
}
