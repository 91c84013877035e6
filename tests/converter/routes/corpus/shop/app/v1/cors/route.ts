const CORS = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Methods': 'POST, OPTIONS' } as const;

export const OPTIONS = () => new Response(null, { status: 204, headers: CORS });
export const POST = async (request: Request) => Response.json(await request.json(), { headers: CORS });
