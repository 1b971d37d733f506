import { useLayoutEffect, useRef, useState } from 'preact/hooks';

/** The width of an element in pixels, also after it changes. 0 until the element is on the page. */
export function useWidth<Of extends Element>() {
  const element = useRef<Of>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    if (!element.current) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return [element, width] as const;
}
