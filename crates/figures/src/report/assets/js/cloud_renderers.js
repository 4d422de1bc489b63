// Two ways to draw a cloud from the same view: WebGL by three.js, and a 2D canvas where there is no WebGL.
//
// A view is { yaw, pitch, zoom }: the camera looks at the origin from the direction (cos pitch cos yaw, cos pitch sin yaw,
// sin pitch), with z upwards. Points lie within the unit sphere.

const FIELD_OF_VIEW = (35 * Math.PI) / 180;
const POINT_SIZE = 0.026;
const EDGE_COLOR = "#8a929b";
const CORNERS = [0, 1, 2, 3, 4, 5, 6, 7].map((corner) => [0, 1, 2].map((axis) => ((corner >> axis) & 1) * 2 - 1));

/** The edges of the box around the points, each as its two ends: corners that differ along one axis. */
const boxEdges = (halves) =>
  CORNERS.flatMap((_, corner) => [1, 2, 4].filter((bit) => (corner & bit) === 0).map((bit) => [corner, corner | bit].map((end) => CORNERS[end].map((side, axis) => side * halves[axis]))));

/** So far that the whole unit sphere is seen, with room for the axes' names. */
const cameraDistance = (view, aspect) => 3.55 / view.zoom / Math.min(1, aspect);

/** Projects points of space onto a canvas: [x, y] in its pixels, and the depth. */
function projection(view, width, height) {
  const [sinYaw, cosYaw, sinPitch, cosPitch] = [Math.sin(view.yaw), Math.cos(view.yaw), Math.sin(view.pitch), Math.cos(view.pitch)];
  const distance = cameraDistance(view, width / height);
  const focal = height / 2 / Math.tan(FIELD_OF_VIEW / 2);
  return (x, y, z) => {
    const depth = distance - (cosPitch * (cosYaw * x + sinYaw * y) + sinPitch * z);
    const right = cosYaw * y - sinYaw * x;
    const up = cosPitch * z - sinPitch * (cosYaw * x + sinYaw * y);
    return [width / 2 + (focal * right) / depth, height / 2 - (focal * up) / depth, depth];
  };
}

/** Whether WebGL 2 works, asked of a canvas of its own: one that was asked in vain can still draw in 2D. */
const hasWebGl = () => make("canvas").getContext("webgl2") !== null;

function webGlRenderer(canvas) {
  const renderer = new three.WebGLRenderer({ canvas, antialias: true, alpha: true });
  const scene = new three.Scene();
  const camera = new three.PerspectiveCamera(35, 1, 0.1, 100);
  camera.up.set(0, 0, 1);
  const box = new three.BufferGeometry();
  scene.add(new three.LineSegments(box, new three.LineBasicMaterial({ color: EDGE_COLOR, transparent: true, opacity: 0.45 })));
  const material = new three.ShaderMaterial({
    uniforms: { size: { value: 1 } },
    vertexShader: "attribute vec3 tint; varying vec3 vTint; uniform float size; void main() { vTint = tint; vec4 seen = modelViewMatrix * vec4(position, 1.0); gl_Position = projectionMatrix * seen; gl_PointSize = max(size / -seen.z, 1.5); }",
    fragmentShader: "varying vec3 vTint; void main() { vec2 at = gl_PointCoord - 0.5; float r2 = 4.0 * dot(at, at); if (r2 > 1.0) discard; gl_FragColor = vec4(vTint * (1.0 - 0.3 * r2), 1.0); }",
  });
  const geometry = new three.BufferGeometry();
  scene.add(new three.Points(geometry, material));
  return {
    setPoints(points, halves) {
      geometry.setAttribute("position", new three.BufferAttribute(points, 3));
      geometry.computeBoundingSphere();
      box.setAttribute("position", new three.BufferAttribute(new Float32Array(boxEdges(halves).flat(2)), 3));
      box.computeBoundingSphere();
    },
    setColors(colors) {
      geometry.setAttribute("tint", new three.BufferAttribute(colors, 3, true));
    },
    draw(view, width, height, ratio) {
      renderer.setPixelRatio(ratio);
      renderer.setSize(width, height, false);
      camera.aspect = width / height;
      camera.updateProjectionMatrix();
      const distance = cameraDistance(view, camera.aspect);
      const flat = distance * Math.cos(view.pitch);
      camera.position.set(flat * Math.cos(view.yaw), flat * Math.sin(view.yaw), distance * Math.sin(view.pitch));
      camera.lookAt(0, 0, 0);
      material.uniforms.size.value = (POINT_SIZE * height * ratio) / 2 / Math.tan(FIELD_OF_VIEW / 2);
      renderer.render(scene, camera);
    },
  };
}

function flatRenderer(canvas) {
  const context = canvas.getContext("2d");
  let points = new Float32Array();
  let colors = new Uint8Array();
  let edges = [];
  return {
    setPoints(given, halves) {
      points = given;
      edges = boxEdges(halves);
    },
    setColors(given) {
      colors = given;
    },
    draw(view, width, height, ratio) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      context.scale(ratio, ratio);
      const project = projection(view, width, height);
      context.strokeStyle = EDGE_COLOR;
      context.globalAlpha = 0.45;
      context.beginPath();
      for (const [one, other] of edges) {
        context.moveTo(...project(...one).slice(0, 2));
        context.lineTo(...project(...other).slice(0, 2));
      }
      context.stroke();
      context.globalAlpha = 1;
      const seen = Array.from({ length: points.length / 3 }, (_, index) => [...project(...points.subarray(3 * index, 3 * index + 3)), index]);
      // The farthest first, so that near points hide them.
      seen.sort((one, other) => other[2] - one[2]);
      const size = (POINT_SIZE * height) / 2 / Math.tan(FIELD_OF_VIEW / 2);
      for (const [x, y, depth, index] of seen) {
        const side = Math.max(size / depth, 1.5);
        context.fillStyle = `rgb(${colors[3 * index]} ${colors[3 * index + 1]} ${colors[3 * index + 2]})`;
        context.fillRect(x - side / 2, y - side / 2, side, side);
      }
    },
  };
}
