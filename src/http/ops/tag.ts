/** Groups the routes for operators in the API description. */
export const OPERATIONS = Object.freeze({
  name: 'operations',
  description: 'Health and metrics of one process, for load balancers and monitoring.',
})
