# 1/(60 + rank by picture) + 1/(60 + rank by words) over the pool; a caption without any of the
# words has no rank by words.
rank-profile rrf_a inherits hybrid_a {
  global-phase {
    rerank-count: 400
    expression: reciprocal_rank(cosine, 60) + if (bm25_score > 0, reciprocal_rank(bm25_score, 60), 0)
  }
}
