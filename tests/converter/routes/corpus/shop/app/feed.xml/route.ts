import { settings } from '@/lib';

export const dynamic = 'force-dynamic';

export async function GET() {
  return new Response(`<?xml version="1.0"?><rss><title>${settings.title}</title></rss>`, {
    headers: { 'Content-Type': 'application/xml; charset=utf-8' },
  });
}
