export const JSON_MEDIA_TYPE = 'application/json; charset=utf-8'
export const NDJSON_MEDIA_TYPE = 'application/x-ndjson'
export const PROBLEM_MEDIA_TYPE = 'application/problem+json; charset=utf-8'
