// What the report's 3D view uses of three.js.
export { BufferAttribute, BufferGeometry, LineBasicMaterial, LineSegments, PerspectiveCamera, Points, Scene, ShaderMaterial, Vector3, WebGLRenderer } from "three";
