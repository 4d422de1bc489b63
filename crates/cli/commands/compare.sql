-- One row for every run, checkpoint and arena.
SELECT units.run, {keys}units.step, units.arena, units.box_m,
       units.active, units.grid, units.band, units.border, units.place_like, units.untuned, units.dead, units.grid_score_sargolini,
       modules.modules, modules.module_units, modules.shortest_period_m, modules.longest_period_m,
       states.spatial_coherence, states.spatial_coherence_corrected, states.spatial_coherence_chance, decoding.decode_error_m, decoding.shuffled_error_m,
       tori.tested, tori.tori
FROM (SELECT run, step, arena, MIN(box_m) AS box_m,
             SUM(CASE WHEN active THEN 1 ELSE 0 END) AS active,
             SUM(CASE WHEN class = 'grid' THEN 1 ELSE 0 END) AS grid,
             SUM(CASE WHEN class = 'band' THEN 1 ELSE 0 END) AS band,
             SUM(CASE WHEN class = 'border' THEN 1 ELSE 0 END) AS border,
             SUM(CASE WHEN class = 'place-like' THEN 1 ELSE 0 END) AS place_like,
             SUM(CASE WHEN class = 'untuned' THEN 1 ELSE 0 END) AS untuned,
             SUM(CASE WHEN class = 'dead' THEN 1 ELSE 0 END) AS dead,
             MEDIAN(CASE WHEN active THEN grid_score_sargolini ELSE NULL END) AS grid_score_sargolini
      FROM units WHERE {chosen} GROUP BY run, step, arena) AS units
LEFT JOIN (SELECT run, step, arena, COUNT(*) AS modules, SUM(units) AS module_units,
                  MIN(period_m) AS shortest_period_m, MAX(period_m) AS longest_period_m
           FROM modules WHERE {chosen} GROUP BY run, step, arena) AS modules
  ON units.run = modules.run AND units.step = modules.step AND units.arena = modules.arena
LEFT JOIN (SELECT run, step, arena, MAX(spatial_coherence) AS spatial_coherence,
                  MAX(spatial_coherence_corrected) AS spatial_coherence_corrected,
                  MAX(spatial_coherence_chance) AS spatial_coherence_chance
           FROM generalization WHERE {chosen} AND module IS NULL GROUP BY run, step, arena) AS states
  ON units.run = states.run AND units.step = states.step AND units.arena = states.arena
LEFT JOIN (SELECT run, step, arena, MEDIAN(decode_error_m) AS decode_error_m, MEDIAN(shuffled_error_m) AS shuffled_error_m
           FROM path_integration WHERE {chosen} GROUP BY run, step, arena) AS decoding
  ON units.run = decoding.run AND units.step = decoding.step AND units.arena = decoding.arena
LEFT JOIN (SELECT run, step, SUM(CASE WHEN is_torus IS NULL THEN 0 ELSE 1 END) AS tested, SUM(CASE WHEN is_torus THEN 1 ELSE 0 END) AS tori
           FROM torus WHERE {chosen} GROUP BY run, step) AS tori
  ON units.run = tori.run AND units.step = tori.step
{join}ORDER BY units.run, units.step, units.box_m, units.arena
