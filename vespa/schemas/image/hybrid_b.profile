# alpha * n(cosine) + (1 - alpha) * n(bm25) over the pool, n = min-max. The first phase only has to bring
# every candidate of the pool (at most 400) into the window.
rank-profile hybrid_b inherits semantic_b {
  first-phase {
    expression: query(alpha) * cosine + (1 - query(alpha)) * 2 * atan(bm25_score / 8) / 3.14159265
  }
  global-phase {
    rerank-count: 400
    expression: query(alpha) * normalize_linear(cosine) + (1 - query(alpha)) * normalize_linear(bm25_score)
  }
}
